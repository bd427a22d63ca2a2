// Package calendar holds the days and the 15-minute intervals in which traffic
// is counted, opening hours, public holidays and working days. Instants, rules
// and a time zone enter; days, intervals, open or closed, and the moments at
// which that changes leave.
//
// The package is pure: no clock, and the time zone comes in as a
// *time.Location. It imports the standard library only; every package may
// import it.
package calendar
