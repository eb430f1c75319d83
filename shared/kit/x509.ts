// The certificate library finds its parts through decorators and needs this before it is loaded.
import 'reflect-metadata';

export * from '@peculiar/x509';
