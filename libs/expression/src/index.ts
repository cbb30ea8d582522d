export { Condition, compileCondition, type ConditionScope, type ConditionVariables, type Verdict } from './condition';
export { type ConditionUses } from './inspection';
