// @ts-check
/**
 * Who is at this desk? Sign-in of people, for the pages of clerk, supervisor and admin, and the
 * bar on top of them.
 */

import { ask, dropToken, keepToken, Problem, renewWith, send } from "/static/kit/api.js";
import { el, fill } from "/static/kit/dom.js";
import { language, nameOf, preferredLanguage, setLanguage, t } from "/static/kit/words.js";

/** @typedef {{id: string, role: string, city: string, name_zh: string, name_en: string, lead: boolean}} Account */

/**
 * Load the words, sign in (by cookie or by password), then call `begin` with the account.
 * `again` draws the page anew after a change of language.
 * @param {string} role the role this page is for; supervisors may also sit at a clerk's window
 * @param {(account: Account) => void} begin
 * @param {() => void} again
 */
export async function signIn(role, begin, again) {
  await setLanguage(preferredLanguage());
  renewWith(async () => {
    keepToken(await send("POST", "/api/sessions/token"));
  });
  /** @param {Account | null} account */
  const drawBar = (account) =>
    bar(account, async () => {
      await setLanguage(language() === "en" ? "zh_CN" : "en");
      drawBar(account);
      if (account) again();
      else form(role, enter);
    });
  /** @param {{account: Account, access_token: string, expires_in_s: number}} answer */
  const enter = (answer) => {
    keepToken(answer);
    if (
      answer.account.role !== role &&
      !(role === "clerk" && answer.account.role === "supervisor")
    ) {
      dropToken();
      drawBar(null);
      form(role, enter, t("sign_in.wrong_role"));
      return;
    }
    drawBar(answer.account);
    begin(answer.account);
  };
  try {
    enter(await send("POST", "/api/sessions/token"));
  } catch {
    drawBar(null);
    form(role, enter);
  }
}

/**
 * @param {Account | null} account
 * @param {() => void} switchLanguage
 */
function bar(account, switchLanguage) {
  fill(
    /** @type {Element} */ (document.getElementById("bar")),
    el("strong", null, document.title),
    el("span", { class: "grow" }),
    account && el("span", { id: "who" }, nameOf(account)),
    el(
      "button",
      { class: "quiet", onclick: switchLanguage, lang: language() === "en" ? "zh-CN" : "en" },
      t("language.other"),
    ),
    account && el("button", { class: "quiet", onclick: signOut }, t("sign_in.out")),
  );
}

async function signOut() {
  await ask("DELETE", "/api/sessions");
  location.reload();
}

/**
 * @param {string} role
 * @param {(answer: any) => void} enter
 * @param {string} [problem]
 */
function form(role, enter, problem = "") {
  const login = el("input", {
    id: "login",
    name: "login",
    autocomplete: "username",
    required: true,
  });
  const password = el("input", {
    id: "password",
    name: "password",
    type: "password",
    autocomplete: "current-password",
    required: true,
  });
  const error = el("p", { class: "note bad", role: "alert", hidden: !problem }, problem);
  const submit = el("button", { class: "primary", type: "submit" }, t("sign_in.submit"));
  fill(
    /** @type {Element} */ (document.getElementById("page")),
    el(
      "form",
      {
        class: "card stack sign-in",
        onsubmit: async (/** @type {Event} */ event) => {
          event.preventDefault();
          submit.disabled = true;
          try {
            enter(
              await send("POST", "/api/sessions", { login: login.value, password: password.value }),
            );
          } catch (failure) {
            error.hidden = false;
            fill(error, reason(failure));
            password.select();
          } finally {
            submit.disabled = false;
          }
        },
      },
      el("h1", null, t(`sign_in.title.${role}`)),
      el("label", { for: "login" }, t("sign_in.login")),
      login,
      el("label", { for: "password" }, t("sign_in.password")),
      password,
      error,
      submit,
    ),
  );
  login.focus();
}

/** @param {unknown} failure */
function reason(failure) {
  if (failure instanceof Problem && failure.status === 401) return t("sign_in.refused");
  if (failure instanceof Problem && failure.status === 429) return t("sign_in.locked");
  return t("error.network");
}
