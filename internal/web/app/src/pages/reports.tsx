export function Reports() { return <div class="reports" /> }
