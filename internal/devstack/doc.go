// Package devstack starts and stops a real Redis, Asterisk, Kamailio and Prometheus on the
// loopback addresses of one machine, or at a [Host], for tests, the demo and make up.
//
// In goes a folder for the instance and, for Asterisk and Kamailio, the same parameters
// as in production ([asteriskconf.Params], [cluster.Params]); free ports and passwords are filled in.
// Out comes a running, answering process with its addresses. Each instance has
// its own folder, ports and password, so that any number run side by side; each
// dies with the process that started it, and Stop leaves nothing behind.
//
// Tests, the demo and commands may import it; it imports asteriskconf, cluster and
// the standard library only. It needs Linux.
package devstack
