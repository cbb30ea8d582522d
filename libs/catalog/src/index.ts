export {
  loadCatalog,
  type Action,
  type Catalog,
  type Columns,
  type Grant,
  type Mask,
  type Stream,
  type Tenant,
} from './catalog';
export { CatalogError, type CatalogProblem } from './catalog-error';
