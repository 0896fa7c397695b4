export { diagnose, type Finding } from "./doctor.js";
