// Package staffing says how many agents an interval needs, and what its
// callers meet with a given number of them. A demand (calls, handling time,
// patience) and a number of agents or a target enter; probabilities and mean
// waits of the steady state leave. It is pure: no clock, no I/O, no randomness,
// the standard library only, so that everything may import it.
//
// # Models
//
// Callers arrive in a Poisson stream of rate λ and are served in order of
// arrival by n agents; a conversation with its wrap-up lasts exponentially
// with mean 1/μ. The load a = λ/μ is measured in Erlang.
//
//   - Erlang B (M/M/n/n): who finds every agent busy is lost.
//   - Erlang C (M/M/n): who finds every agent busy waits, for ever if need be.
//   - Erlang A (M/M/n+M): who waits hangs up after a patience that is
//     exponential with mean 1/θ.
//
// # Erlang B and C
//
// A. K. Erlang, "Solution of some problems in the theory of probabilities of
// significance in automatic telephone exchanges" (1917). The loss formula is
// computed by its recursion over the number of agents,
//
//	B(0) = 1,  B(k) = a B(k-1) / (k + a B(k-1)),
//
// which only adds and multiplies positive numbers at most 1 + a in size, so
// that it neither overflows nor cancels. From it, for a < n,
//
//	P(W > 0) = C = n B / (n - a (1 - B)),
//	P(W > t) = C exp(-(n - a) μ t),
//	E[W]     = C / ((n - a) μ).
//
// With a >= n there is no steady state: the queue grows without end, every
// caller waits and the mean wait is infinite.
//
// # Erlang A
//
// C. Palm, "Etude des délais d'attente" (1937) and "Research on telephone
// traffic carried by full availability groups" (Tele, 1957; Swedish 1946);
// O. Garnett, A. Mandelbaum, M. Reiman, "Designing a call center with impatient
// customers" (M&SOM 4, 2002). The building blocks are those that A. Mandelbaum
// and S. Zeltyn use for M/M/n+G, "Service engineering in action: the
// Palm/Erlang-A queue, with applications to call centers" (2007), specialised
// to exponential patience: let V be the wait of a caller who never gives up.
// It is zero, or has a density proportional to exp(g(x)),
//
//	g(x) = λ (1 - e^(-θx)) / θ - n μ x,
//	J    = ∫ e^g dx  over x > 0,    E = 1 / B(n-1),
//
//	P(V = 0)     = E / (E + λJ),
//	density of V = λ e^g(x) / (E + λJ)      (this is Palm's result in the form
//	                                         of Baccelli and Hebuterne, 1981).
//
// The caller's own patience is independent of V, hence with W = min(V, patience)
//
//	P(W > t)                = e^(-θt) P(V > t),
//	P(abandon)              = λ ∫ (1 - e^(-θx)) e^g dx / (E + λJ) = θ E[W],
//	P(answered within t)    = (E + λ ∫[0,t] e^(-θx) e^g dx) / (E + λJ),
//	P(abandoned within t)   = (1 - e^(-θt)) P(V > t)
//	                          + λ ∫[0,t] (1 - e^(-θx)) e^g dx / (E + λJ),
//	E[W; answered]          = λ ∫ x e^(-θx) e^g dx / (E + λJ),
//	occupancy               = a P(answered) / n.
//
// Every integrand is positive, so nothing cancels, also where the textbook's
// P(abandon | W > 0) = 1/(ρA) + 1 - 1/ρ loses all digits (long patience, light
// load). g is concave; the integrals are taken by Gauss-Legendre over panels
// that are laid from its peak outwards, relative to the value at the peak, so
// that nothing overflows for any load or patience.
package staffing
