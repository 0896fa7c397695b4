import type { KernelMemory, KernelObject } from "./kernel-object.js";
import type { Task } from "./task.js";

/** Tasks as `struct task_struct`: the one that programs run in, and those that the caller adds. */
export class TaskObjects {
  readonly #kernel: KernelMemory;
  readonly #task: Task;
  readonly #others: KernelObject[] = [];
  #current: KernelObject | undefined;

  constructor(kernel: KernelMemory, task: Task) {
    this.#kernel = kernel;
    this.#task = task;
  }

  /** The current task, with its ids and name as they are now. @throws BpfError `"NO_KERNEL_TYPES"` */
  get current(): KernelObject {
    const { pid, tgid, comm } = this.#task;
    if (this.#current === undefined) {
      const task = this.#kernel.create("task_struct");
      task.set({ group_leader: task, real_parent: task, parent: task });
      this.#current = task;
    }
    this.#current.set({ pid, tgid, comm });
    return this.#current;
  }

  /** Another object for the current task, whose ids and name stay those of `environment.task`. */
  set current(object: KernelObject) {
    this.#current = object;
  }

  /** Every task, the current one first. */
  get all(): readonly KernelObject[] {
    return [this.current, ...this.#others];
  }

  /** Adds a task that iterators and bpf_task_from_pid() find. */
  add(task: KernelObject): void {
    this.#others.push(task);
  }

  /** The task with a thread id. */
  find(pid: number): KernelObject | undefined {
    return this.all.find((task) => task.member("pid") === pid);
  }
}
