/** An app that waits for `ready()`, with a route that its configuration does not fit. */
import { createExpressServer, Get, JsonController } from 'routing-controllers';
import { initialize, RequiresB2cAuth } from '../../../src/index.js';

@JsonController('/people')
class PeopleController {
  @Get('/')
  @RequiresB2cAuth()
  list() {
    return 'list';
  }
}

const identity = initialize();
createExpressServer({ controllers: [PeopleController] });
await identity.ready();
