export { NotFound as Component } from "@/app/route-error";
