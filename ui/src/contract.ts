/** The contract with the daemon, generated from Go. Everything else imports it from here. */
export * from "./gen/snapshot";
export type * from "./gen/intent";
