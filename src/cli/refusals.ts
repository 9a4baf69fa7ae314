import { TransferRefused } from '../store/transfer.ts';
import { CliError } from './output.ts';

/** What the store refuses to do, as the command line says it. */
export async function refusalsSaid<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TransferRefused) throw new CliError(error.message, error.remedy);
    throw error;
  }
}
