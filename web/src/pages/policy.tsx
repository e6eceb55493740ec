// SPDX-License-Identifier: Apache-2.0
/*
 * The policy: its versions, a rule builder, a new version as a text, what it covers, and where people
 * decided against the agents. The URL holds the tab and the version, nothing else.
 */
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { Empty, Failure, Skeleton } from "../parts/bits";
import { CoverageTab, EdgeCasesTab } from "../parts/policy_cover";
import { mayWrite, VersionsTab, VersionView } from "../parts/policy_version";
import { WriteTab } from "../parts/policy_write";
import { BuildTab } from "../parts/rule_builder";
import { place } from "../router";
import { activeVersion, dropReplay, failure, outcome, readVersions, versions } from "../state/policy";
import { seesAll } from "../state/session";

interface TabProps {
    readonly activeId: string | undefined;
}

interface Tab {
    readonly id: string;
    readonly label: string;
    readonly show: (props: TabProps) => JSX.Element;
    readonly writes?: true;
}

const TABS: readonly Tab[] = [
    { id: "", label: "Versions", show: () => <VersionsTab list={versions.value ?? []} /> },
    { id: "build", label: "Build a rule", show: (props) => <BuildTab {...props} />, writes: true },
    { id: "write", label: "Write a version", show: (props) => <WriteTab {...props} />, writes: true },
    { id: "coverage", label: "Coverage", show: () => <CoverageTab /> },
    { id: "edge-cases", label: "Edge cases", show: () => <EdgeCasesTab /> },
];

function Tabs({ here, id }: { here: string; id: string | null }) {
    return (
        <div class="subnav">
        <nav class="tabs" aria-label="Parts of the policy">
            {TABS.filter(({ writes }) => !writes || mayWrite()).map((tab) => (
                <a
                    key={tab.id}
                    href={tab.id === "" ? "/policy" : `/policy?tab=${tab.id}`}
                    aria-current={tab.id === here ? (id === null ? "page" : "true") : undefined}
                >
                    {tab.label}
                </a>
            ))}
        </nav>
        </div>
    );
}

function Shown() {
    const search = place.value.search;
    const id = search.get("v");
    const wanted = id === null ? (search.get("tab") ?? "") : "";
    const tab = TABS.find((one) => one.id === wanted && (!one.writes || mayWrite())) ?? TABS[0];
    return (
        <>
            <Tabs here={tab?.id ?? ""} id={id} />
            {failure.value && <Failure problem={failure.value} retry={() => void readVersions()} />}
            {versions.value === null && failure.value === null && <Skeleton lines={8} label="Loading the versions" />}
            {versions.value !== null &&
                (id !== null ? <VersionView key={id} id={id} /> : tab?.show({ activeId: activeVersion()?.id }))}
        </>
    );
}

export function Policy() {
    useEffect(() => {
        void readVersions();
        return () => {
            dropReplay();
            outcome.value = null;
        };
    }, []);
    return (
        <div class="page scroll" role="region" aria-labelledby="policy-heading" tabIndex={0}>
            <h1 id="policy-heading">Policy</h1>
            <p class="quiet">What agents may do on their own, what people look at, and who changed that.</p>
            {seesAll() ? (
                <Shown />
            ) : (
                <Empty title="Your role does not see the policy">
                    Leads, auditors and people with the role policy do. Why a proposal is held stands beside it.
                </Empty>
            )}
        </div>
    );
}
