/** What the partner BFF calls its document; the version is that of `/v1`. */
export const openApi = { title: 'Tidegate for partners', version: '1' } as const;
