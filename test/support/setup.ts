import fc from 'fast-check';

// FC_NUM_RUNS=10000 npm test: the same properties over more cases.
const numRuns = Number(process.env.FC_NUM_RUNS ?? '');
if (Number.isInteger(numRuns) && numRuns > 0) fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns });
