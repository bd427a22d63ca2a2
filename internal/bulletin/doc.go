// Package bulletin assembles the reports that a city publishes of its hotline: the
// daily bulletin (每日情况快报), the monthly and the annual report. Counters and
// lines of days enter; a Report leaves, and of it a Document in Chinese or English,
// in which every sentence, table and chart stands in order, with exact values.
// internal/report writes documents; nothing is computed there.
//
// Changes against an earlier period follow traffic.Change: they are computed from the
// published, rounded values.
//
// The package is pure. It imports calendar and traffic; internal/app and
// internal/report import it.
package bulletin
