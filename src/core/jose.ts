/** The one import of jose: the CommonJS build carries it inlined, since hosts such as Jest cannot `require` ES modules. */
export { importJWK } from 'jose';
