export declare const launchOptions: { readonly executablePath: string; readonly args: string[] };
export declare function chromiumProblem(): Promise<string | undefined>;
