// Never listens, and hears nothing.
setInterval(() => {}, 1_000);
process.on("SIGTERM", () => {});
