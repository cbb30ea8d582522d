export {
  Condition,
  compileCondition,
  type ConditionExplanation,
  type ConditionScope,
  type ConditionVariables,
  type Verdict,
} from './condition';
export { type Demands } from './demands';
export { type ConditionUses } from './inspection';
