import "i18next";
import type english from "@/languages/en.json";

// Keys are checked while compiling: a word that does not exist is a type error.
declare module "i18next" {
  interface CustomTypeOptions {
    resources: { translation: typeof english };
  }
}
