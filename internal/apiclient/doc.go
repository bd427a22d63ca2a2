// Package apiclient asks the API of a running hotline. An address and a token
// enter; typed answers, or errors in one sentence, leave. cmd and internal/lab
// may import it; it imports acd, calendar and the API's view types.
package apiclient
