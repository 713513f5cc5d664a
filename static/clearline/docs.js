// Swagger over our own schema; what it sends carries the session's CSRF token.
"use strict";

const place = document.getElementById("swagger-ui");

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  docExpansion: "none",
  displayOperationId: true,
  requestInterceptor: (request) => {
    if (!request.loadSpec && request.method !== "GET") request.headers[place.dataset.csrfHeader] = place.dataset.csrf;
    return request;
  },
});
