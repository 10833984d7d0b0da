export const runCommand = (): never => {
  throw new Error();
};
