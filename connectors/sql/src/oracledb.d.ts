/** The package has no types of its own; what is used of it is in oracle-driver.ts. */
declare module 'oracledb' {
  const driver: unknown;
  export default driver;
}
