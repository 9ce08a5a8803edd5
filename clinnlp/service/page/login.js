// Name and password, in a box over whatever is on the page.

import { get, post } from "./api.js";
import { make } from "./dom.js";

// Resolves with who is logged in, once the server says so.
export function showLogin() {
  return new Promise((resolve) => {
    const said = make("p", { role: "alert", class: "bad-words" });
    const user = make("input", { id: "login-user", type: "text", autocomplete: "username", required: true, autocapitalize: "none", spellcheck: "false" });
    const password = make("input", { id: "login-password", type: "password", autocomplete: "current-password", required: true });
    const send = make("button", { type: "submit", class: "main" }, "Log in");
    const submit = async (event) => {
      event.preventDefault();
      send.disabled = true;
      said.textContent = "";
      try {
        await post("login", { user: user.value, password: password.value });
        const me = await get("me");
        dialog.close();
        dialog.remove();
        resolve(me);
      } catch (error) {
        said.textContent = error.message;
        password.value = "";
        password.focus();
      } finally {
        send.disabled = false;
      }
    };
    const dialog = make("dialog", { class: "login", "aria-labelledby": "login-title" },
      make("form", { onsubmit: submit },
        make("h1", { id: "login-title" }, "clinnlp review"),
        make("label", { for: "login-user" }, "Name"), user,
        make("label", { for: "login-password" }, "Password"), password,
        said, send));
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
    user.focus();
  });
}
