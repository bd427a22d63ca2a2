// Package asteriskconf renders the configuration of one Asterisk node: the very
// files that development, tests and production run.
//
// In goes [Params]: who the node is, where it listens, its trunks, seats and
// entry numbers. Out comes a folder of .conf files, made from the commented
// templates beside this file. The same parameters always give the same bytes.
//
// Everything may import it; it imports the standard library only.
package asteriskconf
