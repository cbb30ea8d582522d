const mark = '[redacted]';

// Applied to the finished line, so that it holds at any depth, in bindings, in messages and in foreign errors.
const secretNames =
  '(?:proxy-)?authorization|(?:set-)?cookie|x-api-key|api[-_]?key|[\\w-]*token|password|passwd|[\\w-]*secret|ticket';
const stringValue = String.raw`"(?:[^"\\]|\\.)*"`;

const rules: readonly [RegExp, string][] = [
  [
    new RegExp(String.raw`"(${secretNames})"\s*:\s*(?:${stringValue}|\[(?:${stringValue}|[\s,])*\])`, 'gi'),
    `"$1":"${mark}"`,
  ],
  // JSON inside of a JSON string.
  [new RegExp(String.raw`\\"(${secretNames})\\"\s*:\s*\\"[^"\\]*\\"`, 'gi'), String.raw`\"$1\":\"${mark}\"`],
  [/\b(Bearer)\s+[\w.~+/=-]{12,}/gi, `$1 ${mark}`],
  // A JWT in whatever surroundings: base64url of `{"`.
  [/\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g, mark],
  [/\btg_[a-z]+_\w+/g, mark],
  [/([?&](?:access_token|id_token|token|api_?key|ticket|password|secret)=)[^&\s"\\]+/gi, `$1${mark}`],
  [/(\b[a-z][a-z\d+.-]{0,20}:\/\/)[^\s/@"\\]+@/gi, `$1${mark}@`],
];

/** The line without credentials: named fields, bearer values, JWTs, API keys, query parameters, users of URLs. */
export function redact(line: string): string {
  return rules.reduce((text, [pattern, replacement]) => text.replace(pattern, replacement), line);
}
