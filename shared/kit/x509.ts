// The certificate library uses decorators, and needs this import before its own.
import 'reflect-metadata';

export * from '@peculiar/x509';
