// Package calendar holds the days and the 15-minute intervals in which traffic
// is counted. Instants and a time zone enter; days, intervals and their first
// and last instants leave.
//
// The package is pure: no clock, and the time zone comes in as a
// *time.Location. It imports the standard library only; every package may
// import it.
package calendar
