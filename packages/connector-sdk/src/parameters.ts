/** The pages on which parameters are asked. Source: ECMA2 `ConfigParameterPage`. */
export type ParameterPage = 'capabilities' | 'connectivity' | 'schema' | 'global' | 'partition' | 'run-step';

/** How a parameter is asked for. Source: ECMA2 `ConfigParameterType`. */
export type ParameterKind = 'string' | 'text' | 'secret' | 'checkbox' | 'drop-down' | 'file' | 'label' | 'divider' | 'structure';

/** The definition of one parameter. Source: ECMA2 `ConfigParameterDefinition`. */
export interface ParameterDefinition {
  readonly name: string;
  readonly kind: ParameterKind;
  /** What a person reads beside the field. */
  readonly label?: string;
  readonly description?: string;
  readonly default?: ParameterValue;
  readonly required?: boolean;
  /** A regular expression that the whole value must match (`string`, `secret`). */
  readonly pattern?: string;
  /** The choices of a `drop-down`. */
  readonly choices?: readonly string[];
  /** A `drop-down` also takes other values. */
  readonly extensible?: boolean;
  /** JSON Schema of a `structure`: nested configuration such as tables and columns. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** The value of a parameter; structures are plain JSON. */
export type ParameterValue = string | number | boolean | null | readonly ParameterValue[] | { readonly [key: string]: ParameterValue };

/** Parameter values by name, secrets resolved. They appear in no log, error, export or API answer. */
export type Parameters = Readonly<Record<string, ParameterValue>>;

/** The result of a check of parameters. Source: ECMA2 `ParameterValidationResult`. */
export type ParameterProblem = {
  /** The parameter to highlight; a path such as `objectTypes.person.table` within a structure. */
  readonly parameter: string;
  readonly message: string;
};
