/**
 * Runs the jobs of a device one after the other, in the order of the calls. Each job works in slices; between
 * slices, and only there, the event loop gets its turn.
 */
import type { Clock } from '../base/clock.js';

interface Job {
  /** Does one slice; true: there is more. */
  readonly slice: (index: number) => boolean;
  /** Number of the next slice. */
  index: number;
  readonly result: () => unknown;
  readonly done: (result: unknown) => void;
  readonly failed: (reason: unknown) => void;
}

export class WorkQueue {
  private readonly jobs: Job[] = [];
  private running = false;

  constructor(private readonly clock: Clock) {}

  /**
   * Resolves with `result()` after the last slice. `slice(i)` does slice i and says whether there is another. The
   * first slice runs before this returns when nothing else is under way.
   */
  run<Result>(slice: (index: number) => boolean, result: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.jobs.push({ slice, index: 0, result, done: resolve as Job['done'], failed: reject });
      if (!this.running) this.work();
    });
  }

  /** Rejects all jobs that have not finished. */
  close(reason: unknown): void {
    for (const job of this.jobs.splice(0)) job.failed(reason);
  }

  private work(): void {
    this.running = true;
    for (;;) {
      const job = this.jobs[0];
      if (job === undefined) break;
      try {
        if (job.slice(job.index++)) {
          this.clock.setTimer(() => this.work(), 0);
          return;
        }
        job.done(job.result());
      } catch (error) {
        job.failed(error);
      }
      this.jobs.shift();
    }
    this.running = false;
  }
}
