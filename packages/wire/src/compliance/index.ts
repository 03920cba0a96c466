export { type ConnectionComplianceOptions, type ConnectionSubject, connectionCompliance } from "./connection.ts";
