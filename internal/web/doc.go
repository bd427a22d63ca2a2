// Package web holds the pages for people: the wallboard, the supervisors' floor, the
// reports and the agents' desk. Their source is TypeScript in the folder app, which Vite
// builds into dist (make pages); what was built is embedded. They speak to the API under
// /api/v1 like any other client and load nothing from elsewhere.
//
// internal/app imports it; it imports nothing of the project.
package web
