/** A controller whose path has a character that reverses the text after it. */
import { Get, JsonController } from 'routing-controllers';
import { RequiresAuth } from '../../../src/index.js';

@JsonController('/\u202enotes')
export class HostileController {
  @Get('/')
  @RequiresAuth()
  list() {
    return [];
  }
}
