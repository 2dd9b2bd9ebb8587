import { UserError } from "@pairloom/config/errors";

/** Redis doesn't hold the queues that belong to a project's store: work that the store asks for would never be done. */
export class RedisForgotError extends UserError {
  /** @param remedy the command that rebuilds the queues */
  constructor(why: string, remedy: string) {
    super("redis_forgot", `${why}, so its queues can't be trusted`, {
      hint: `Nothing that was fetched is lost. Run \`${remedy}\`: it rebuilds the queues and counters from the project's files.`,
    });
    this.name = "RedisForgotError";
  }
}
