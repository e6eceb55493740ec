export function CoverageTab() { return <p />; }
export function EdgeCasesTab() { return <p />; }
