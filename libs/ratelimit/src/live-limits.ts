import { limitsFiles, LiveCatalog, type LimitsByName } from '@tidegate/catalog';

/** The limits of an application, as its file has them at the time. */
export class LiveLimits extends LiveCatalog<LimitsByName> {
  /** @throws CatalogError when the file is not valid */
  constructor(limitsFile: string) {
    super(limitsFiles(limitsFile));
  }
}
