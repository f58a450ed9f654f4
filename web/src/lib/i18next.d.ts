import "i18next";
import type common from "@/languages/common/en.json";
import type desk from "@/languages/desk/en.json";
import type manage from "@/languages/manage/en.json";
import type patient from "@/languages/patient/en.json";
import type provider from "@/languages/provider/en.json";
import type workplace from "@/languages/workplace/en.json";

// Keys are checked while compiling: a word that does not exist is a type error.
declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "common";
    resources: {
      common: typeof common;
      patient: typeof patient;
      workplace: typeof workplace;
      provider: typeof provider;
      desk: typeof desk;
      manage: typeof manage;
    };
  }
}
