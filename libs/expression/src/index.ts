export {
  Condition,
  compileCondition,
  type ConditionScope,
  type ConditionVariables,
  type FieldType,
  type Verdict,
} from './condition';
