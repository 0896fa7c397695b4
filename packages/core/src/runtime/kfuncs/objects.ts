import { EINVAL } from "../../abi/index.js";
import type { KfuncFamily } from "./definition.js";

/** Objects of the program's own types, in lists and trees under a lock. */
export const objectKfuncs: KfuncFamily = (define, environment) => {
  const { runtime, objects } = environment;
  const create = (typeId: number, copies = 1) => {
    const layout = objects.layoutOf(typeId);
    return layout === undefined ? runtime.fault(`the program has no type ${typeId}`) : objects.create(layout, copies);
  };
  const drop = (address: number) => {
    if (objects.at(address >>> 0) === undefined) runtime.fault("what is dropped is no object");
    objects.drop(address >>> 0);
    return 0;
  };
  define("bpf_obj_new_impl", "uint", (typeId) => create(typeId));
  define("bpf_obj_drop_impl", "int", drop);
  define("bpf_percpu_obj_new_impl", "uint", (typeId) => create(typeId, runtime.cpus));
  define("bpf_percpu_obj_drop_impl", "int", drop);
  define("bpf_refcount_acquire_impl", "uint", (address) => {
    objects.acquire(address >>> 0);
    return address;
  });
  // A node that is in a list or tree already is refused, and its object given up.
  const refused = (node: number) => {
    if (objects.ownerOf(node) === undefined) return 0;
    objects.drop(node);
    return -EINVAL;
  };
  const push = (root: number, node: number, front: boolean) => {
    const error = refused(node);
    if (error === 0) objects.insert(root, node, front ? 0 : objects.nodes(root).length);
    return error;
  };
  const take = (node: number | undefined) => {
    if (node !== undefined) objects.remove(node);
    return node ?? 0;
  };
  define("bpf_list_push_front_impl", "int", (root, node) => push(root >>> 0, node >>> 0, true));
  define("bpf_list_push_back_impl", "int", (root, node) => push(root >>> 0, node >>> 0, false));
  define("bpf_list_pop_front", "uint", (root) => take(objects.nodes(root >>> 0)[0]));
  define("bpf_list_pop_back", "uint", (root) => take(objects.nodes(root >>> 0).at(-1)));
  define("bpf_list_front", "uint", (root) => objects.nodes(root >>> 0)[0] ?? 0);
  define("bpf_list_back", "uint", (root) => objects.nodes(root >>> 0).at(-1) ?? 0);
  define("bpf_rbtree_add_impl", "int", (root, node, less) => {
    const error = refused(node >>> 0);
    if (error !== 0) return error;
    // Behind those that it isn't less than, found by halving: as many comparisons as a balanced tree takes.
    const nodes = objects.nodes(root >>> 0);
    let [low, high] = [0, nodes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((runtime.invoke(less >>> 0, node, nodes[middle]!) & 0xff) !== 0) high = middle;
      else low = middle + 1;
    }
    objects.insert(root >>> 0, node >>> 0, low);
    return 0;
  });
  define("bpf_rbtree_first", "uint", (root) => objects.nodes(root >>> 0)[0] ?? 0);
  define("bpf_rbtree_remove", "uint", (root, node) => {
    return objects.ownerOf(node >>> 0) === root >>> 0 ? take(node >>> 0) : 0;
  });
};
