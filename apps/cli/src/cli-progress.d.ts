/** The part of `cli-progress` that the command line uses; the package ships no types. */
declare module 'cli-progress' {
  export interface BarOptions {
    readonly format?: string;
    readonly hideCursor?: boolean;
    readonly stream?: NodeJS.WriteStream;
    readonly etaBuffer?: number;
  }
  export const Presets: { readonly shades_classic: object };
  export class SingleBar {
    constructor(options: BarOptions, preset?: object);
    start(total: number, value: number, payload?: object): void;
    setTotal(total: number): void;
    update(value: number, payload?: object): void;
    stop(): void;
  }
}
