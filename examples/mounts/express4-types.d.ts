/** Express 4 is installed here under another name, beside Express 5, whose types fit what the example uses. */
declare module 'express4' {
  export { default } from 'express'
}
