import Database from 'better-sqlite3';

/* Loaded in front of the service: the same program, whose commits are not flushed to the disk. Only to measure what flushing costs. */

const pragma = Database.prototype.pragma;
Database.prototype.pragma = function (source: string, ...rest) {
  return pragma.call(this, source.replace(/synchronous *= *FULL/i, 'synchronous = NORMAL'), ...rest);
};
