// Ends before it listens.
process.exitCode = 3;
