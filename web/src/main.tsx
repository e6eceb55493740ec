// SPDX-License-Identifier: Apache-2.0
/*
 * Starts the page: what listens, who is signed in, which page the URL names.
 */
import { render } from "preact";
import { useEffect } from "preact/hooks";
import { listenForKeys } from "./keys";
import { CallbacksPage } from "./pages/callbacks_later";
import { CategoriesPage } from "./pages/categories";
import { DonePage } from "./pages/done";
import { Inbox } from "./pages/inbox";
import { MePage } from "./pages/me";
import { ProposalPage } from "./pages/proposal";
import { SignIn, Unreachable } from "./pages/signin";
import { offerStart, StartPage } from "./pages/start_later";
import { Empty } from "./parts/bits";
import { Shell } from "./parts/shell";
import { followLink, openedId, place } from "./router";
import { startGuard } from "./state/guard";
import { startInbox } from "./state/inbox";
import { startLayout } from "./state/layout";
import { startLive } from "./state/live";
import { singleKeys, startPrefs } from "./state/prefs";
import { startProposal } from "./state/proposal";
import { resumeSession, session } from "./state/session";
import "./style/main.css";

const PAGES = {
    "/": { title: "Inbox", Page: Inbox },
    "/done": { title: "Done", Page: DonePage },
    "/categories": { title: "Categories", Page: CategoriesPage },
    "/callbacks": { title: "Callbacks", Page: CallbacksPage },
    "/me": { title: "Me", Page: MePage },
    "/start": { title: "Start", Page: StartPage },
} as const;

function Routed() {
    const { path } = place.value;
    const id = openedId(path);
    const page = PAGES[path as keyof typeof PAGES];
    useEffect(() => {
        if (page) {
            document.title = `${page.title} · Fermata`;
        }
    }, [page]);
    if (id !== null) {
        return <ProposalPage id={id} />;
    }
    return page ? (
        <page.Page />
    ) : (
        <>
            <h1 class="sr">No such page</h1>
            <Empty title="No such page">
                <a href="/">To the inbox</a>
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
            return <SignIn />;
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
listenForKeys(() => singleKeys.value);
document.addEventListener("click", followLink);
void resumeSession().then(offerStart);
render(<App />, document.getElementById("app") as HTMLElement);
