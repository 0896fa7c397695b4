import type { Btf, MapSpec } from "@tsbpf/core";
import { bytesCodec, type MapCodecs } from "@tsbpf/core/host";

/** How a map's keys and values become JavaScript values. */
export function mapCodecs(spec: Pick<MapSpec, "keySize" | "valueSize">, _btf?: Btf): MapCodecs<unknown, unknown> {
  return { key: bytesCodec(spec.keySize), value: bytesCodec(spec.valueSize) } as MapCodecs<unknown, unknown>;
}
