/** Somebody else has changed what the plan rests on. Never leaves this room: it becomes the result `conflict`. */
export class Conflict extends Error {}
