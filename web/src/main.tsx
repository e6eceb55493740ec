// SPDX-License-Identifier: Apache-2.0
/*
 * Starts the page: what listens, who is signed in, which page the URL names.
 */
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { listenForKeys } from "./keys";
import { Inbox } from "./pages/inbox";
import { ProposalPage } from "./pages/proposal";
import { SignIn, Unreachable } from "./pages/signin";
import { Empty } from "./parts/bits";
import { later } from "./parts/later";
import { Shell } from "./parts/shell";
import { followLink, go, openedId, place } from "./router";
import { offerStart } from "./state/first_run";
import { startGuard } from "./state/guard";
import { startInbox } from "./state/inbox";
import { startLayout } from "./state/layout";
import { startLive } from "./state/live";
import { singleKeys, startPrefs } from "./state/prefs";
import { startPauses } from "./state/pauses";
import { startProposal } from "./state/proposal";
import { home, resumeSession, session } from "./state/session";
import "./style/main.css";

const rare = () => import("./pages/rare");
const CallbacksPage = later(() => rare().then((code) => code.CallbacksPage));
const CategoriesPage = later(() => rare().then((code) => code.CategoriesPage));
const DonePage = later(() => rare().then((code) => code.DonePage));
const MePage = later(() => rare().then((code) => code.MePage));
const PausesPage = later(() => rare().then((code) => code.PausesPage));
const PeoplePage = later(() => rare().then((code) => code.PeoplePage));
const ProposalsPage = later(() => rare().then((code) => code.ProposalsPage));
const PolicyPage = later(() => import("./pages/policy").then((code) => code.Policy));
const RenewPage = later(() => rare().then((code) => code.RenewPage));
const SetupPage = later(() => rare().then((code) => code.SetupPage));
const StartPage = later(() => import("./pages/start").then((code) => code.Start));

const PAGES = {
    "/": { title: "Inbox", Page: Inbox },
    "/done": { title: "Done", Page: DonePage },
    "/categories": { title: "Categories", Page: CategoriesPage },
    "/callbacks": { title: "Callbacks", Page: CallbacksPage },
    "/me": { title: "Me", Page: MePage },
    "/pauses": { title: "Pauses", Page: PausesPage },
    "/people": { title: "People and access", Page: PeoplePage },
    "/policy": { title: "Policy", Page: PolicyPage },
    "/proposals": { title: "Proposals", Page: ProposalsPage },
    "/start": { title: "Start", Page: StartPage },
} as const;

function Routed() {
    const { path } = place.value;
    const id = openedId(path);
    const elsewhere = path === "/" && home() !== "/";
    const page = elsewhere ? null : PAGES[path as keyof typeof PAGES];
    useEffect(() => {
        if (elsewhere) {
            go(home(), true);
        } else if (page) {
            document.title = `${page.title} · Fermata`;
        }
    }, [page]);
    if (elsewhere) {
        return null;
    }
    if (id !== null) {
        return <ProposalPage id={id} />;
    }
    return page ? (
        <page.Page />
    ) : (
        <>
            <h1 class="sr">No such page</h1>
            <Empty title="No such page">
                <a href="/">To where you start</a>
            </Empty>
        </>
    );
}

function App() {
    switch (session.value) {
        case "unknown":
            return (
                <main class="signin">
                    <h1 class="sr">Fermata</h1>
                    <p class="late" role="status">
                        Waiting for the server.
                    </p>
                </main>
            );
        case "out":
            return place.value.path === "/setup" ? <SetupPage /> : <SignIn />;
        case "renew":
            return <RenewPage />;
        case "unreachable":
            return <Unreachable />;
        case "in":
        case "ended":
            return (
                <Shell>
                    <Routed />
                </Shell>
            );
    }
}

startPrefs();
startLayout();
startGuard();
startInbox();
startProposal();
startLive();
startPauses();
listenForKeys(() => singleKeys.value);
document.addEventListener("click", followLink);
void resumeSession().then(offerStart);
render(<App />, document.getElementById("app") as HTMLElement);
