/** A controller that routing-controllers finds by a glob, and loads as Node does. It has no decorator of this library. */
import { Get, JsonController } from 'routing-controllers';

export class GlobbedController {
  forgotten() {
    return { name: 'globbed' };
  }
}
Get('/forgotten')(GlobbedController.prototype, 'forgotten');
JsonController('/globbed')(GlobbedController);
