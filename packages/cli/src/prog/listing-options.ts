/** What a listing shows beside the instructions. */
export interface ListingOptions {
  readonly opcodes: boolean;
  readonly linum: boolean;
}
