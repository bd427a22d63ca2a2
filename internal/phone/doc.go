// Package phone holds real SIP phones in software: seats and callers for the
// demonstration, the end-to-end tests and the load runs.
//
// A Site is one UDP socket for SIP; many phones may live behind it, told apart
// by the user part of their contact. Every call has an RTP socket of its own,
// sends its phone's tone in real 20 ms frames, and says which tone of the grid
// it hears. What enters is SIP and RTP from the network and the caller's
// wishes; what leaves is SIP, RTP, and what was seen with times.
//
// Messages are parsed by emiago/sipgo/sip. Transactions are the package's own:
// they handle messages in the order of arrival, on the site's one reading
// goroutine, so that a thousand idle phones cost no goroutine at all and a
// CANCEL never overtakes its INVITE.
//
// It knows nothing of the ACD and must not import it.
package phone
