// SPDX-License-Identifier: Apache-2.0
/* The panel of keys, and their table, which the page Me shows too. */
import { BINDINGS } from "../keys";
import { singleKeys } from "../state/prefs";
import { Dialog, help } from "./dialogs";

const printed = (keys: string): string => keys.replace("Escape", "Esc");

export function KeysPanel() {
    const close = (): void => {
        help.value = null;
    };
    return (
        <Dialog title="Keys" onCancel={close}>
            {!singleKeys.value && (
                <p>
                    Single-key shortcuts are switched off in{" "}
                    <a href="/me" onClick={close}>
                        Me
                    </a>
                    .
                </p>
            )}
            <KeyTable />
            <div class="send-row">
                <button type="button" class="primary" autofocus onClick={close}>
                    Close <kbd aria-hidden="true">Esc</kbd>
                </button>
            </div>
        </Dialog>
    );
}

/* Every key of the registry, by group. */
export function KeyTable() {
    const groups = [...new Set(BINDINGS.map((binding) => binding.group))];
    return (
        <div class="key-groups">
            {groups.map((group) => (
                <table key={group} class="keys">
                    <caption>{group}</caption>
                    <tbody>
                        {BINDINGS.filter((binding) => binding.group === group).map((binding) => (
                            <tr key={binding.id}>
                                <th scope="row">
                                    {printed(binding.keys)
                                        .split(" ")
                                        .map((key) => (
                                            <kbd key={key}>{key}</kbd>
                                        ))}
                                </th>
                                <td>{binding.label}</td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            ))}
        </div>
    );
}
