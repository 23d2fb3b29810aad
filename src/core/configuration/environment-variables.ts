/** What do the environment variables of our sections hold? */
import { ConfigurationError } from '../errors.js';
import { isInSection, keyOf, problemWith, withoutNumber, type Variable } from './environment-names.js';

/** What the environment holds. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment. Letter case makes no difference to the names of our sections. */
export class Variables {
  readonly #environment: Environment;
  readonly #byKey = new Map<string, Variable>();

  /** @throws ConfigurationError for a name that is not known, or that is there twice with two values */
  constructor(environment: Environment) {
    this.#environment = environment;
    for (const [name, given = ''] of Object.entries(environment)) this.#add({ name, value: given.trim() });
  }

  #add(variable: Variable): void {
    const problem = problemWith(variable);
    if (problem !== undefined) throw new ConfigurationError(problem);
    if (!isInSection(variable.name)) return;
    const key = keyOf(variable.name);
    const other = this.#byKey.get(key);
    if (other !== undefined && other.value !== variable.value) {
      throw new ConfigurationError(`${other.name} and ${variable.name} are one name and have two values. Set one.`);
    }
    this.#byKey.set(key, variable);
  }

  /** The names in our sections, as they are written. */
  get names(): readonly string[] {
    return [...this.#byKey.values()].map(({ name }) => name);
  }

  /** The value of a name; undefined where it is missing or blank. */
  value(name: string): string | undefined {
    const value = isInSection(name) ? this.#byKey.get(keyOf(name))?.value : this.#environment[name]?.trim();
    return value === '' ? undefined : value;
  }

  /** The values of names that are lists; undefined where none is set, empty where those that are set are blank. */
  list(...names: readonly string[]): readonly string[] | undefined {
    const set = names.flatMap((name) => this.#itemsOf(keyOf(name)));
    if (set.length === 0) return undefined;
    return set.filter((value) => value !== '').flatMap((value) => value.split(',').map((item) => item.trim()));
  }

  /** The value without a number, then those by numbers, in their order. */
  #itemsOf(key: string): readonly string[] {
    return [...this.#byKey]
      .filter(([found]) => withoutNumber(found) === key)
      .map(([found, { value }]) => ({ position: Number(found.slice(key.length + '__'.length) || -1), value }))
      .sort((one, other) => one.position - other.position)
      .map(({ value }) => value);
  }
}
